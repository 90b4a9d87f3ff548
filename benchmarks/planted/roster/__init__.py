"""All assistants of the bench."""

from benchmarks.planted.roster.clean import CLEAN
from benchmarks.planted.roster.honest import CONTROLS, HONEST
from benchmarks.planted.roster.planted_first import FIRST
from benchmarks.planted.roster.planted_second import SECOND
from benchmarks.planted.roster.planted_third import THIRD

ROSTER = (*FIRST, *SECOND, *THIRD, *CLEAN, *HONEST, *CONTROLS)
