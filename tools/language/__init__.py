"""What texts say, whatever form they say it in: numbers, dates and words of Portuguese and English."""
