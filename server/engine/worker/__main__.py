"""The engine's process: `python -m server.engine.worker`, started by `server.engine.process`."""

from __future__ import annotations

import logging
import os
import signal
import sys

from tools.workspace.processes import adopt_lock, check_installation


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Ctrl-C in the terminal is the server's to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_lock()
    check_installation()
    from server.engine.worker.link import Link

    # Listening comes first: a server that dies while MLX is imported takes us with it.
    link = Link.from_environment()
    from server.engine.protocol import VERSION, Ready
    from server.engine.worker.scheduler import Scheduler
    from tools.compute.device import set_up

    link.send(Ready(version=VERSION, pid=os.getpid(), device=set_up()))
    Scheduler(link.send, link.receive).run()
    sys.stderr.flush()
    # MLX's threads may outlive the work; nothing is left to save.
    os._exit(0)


if __name__ == "__main__":
    main()
