"""Opens a database and says its schema and whether alembic was loaded. Argument: file."""

from __future__ import annotations

import asyncio
import sys

from tinman.db.engine import Database


async def main() -> None:
    async with await Database.open(sys.argv[1]) as db:
        loaded = "with" if "alembic" in sys.modules else "without"
        print(await db.schema_version(), loaded, "alembic")  # noqa: T201


asyncio.run(main())
