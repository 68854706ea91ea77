"""Backup and restore: one file that is useless without the keys.

make       a consistent copy while the product works: database, waiting spill, and a manifest
restore    checks everything first, then puts it back; refuses to overwrite by accident

The file is a tar: `manifest.json`, `database` (a SQLite file, or pg_dump's custom format) and
`spill/…`. Personal data in all three are encrypted columns; the keys are never in it.
"""

from app.backup.make import Made, make
from app.backup.restore import Restored, restore

__all__ = ["Made", "Restored", "make", "restore"]
