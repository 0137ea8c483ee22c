"""Every way to cheat that this project could think of: the finding that names it, the world."""

from __future__ import annotations

from tests.verification.cheats_with_ballots import with_ballots
from tests.verification.cheats_with_entries import with_entries
from tests.verification.cheats_with_files import with_files
from tests.verification.cheats_with_openings import with_openings
from tests.verification.cheats_with_voters import with_voters

cheats = {**with_ballots, **with_entries, **with_files, **with_openings, **with_voters}
