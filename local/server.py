"""The local cloud's process: ``python -m local.server``, from the project's root, in ``.venv/local``.

It listens on 127.0.0.1:CLOUD_PORT only, keeps its state below STATE, and stops on SIGTERM with nothing lost.
"""

import asyncio
import logging
import os

from local import settings


def configure_ministack() -> None:
    """Tell ministack where to listen and to keep its state; it reads this once, when it is imported."""
    folder = settings.state_dir() / "cloud"
    os.environ.update(
        GATEWAY_PORT=str(settings.port()),
        MINISTACK_HOST="127.0.0.1",
        BIND_HOST="127.0.0.1",
        MINISTACK_ACCOUNT_ID=settings.ACCOUNT,
        MINISTACK_REGION=settings.REGION,
        PERSIST_STATE="1",
        STATE_DIR=str(folder / "ministack"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(folder / "s3"),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL=os.environ.get("LOG_LEVEL", "WARNING"),
    )


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_ministack()
    # Only now: importing it imports ministack.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from local.dispatch import app

    logging.getLogger("local").setLevel(logging.INFO)
    config = Config()
    config.bind = [f"127.0.0.1:{settings.port()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
