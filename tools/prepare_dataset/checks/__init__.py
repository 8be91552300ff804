"""What is looked for in material and rows: repetitions, overlap, boilerplate, secrets, oddities."""
