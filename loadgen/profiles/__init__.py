"""Named kinds of load: the files beside this one, and files of users' own. docs/load.md describes the format."""

from loadgen.profiles.load import bundled_names, find_profile, load_profile
from loadgen.profiles.model import Profile

__all__ = ["Profile", "bundled_names", "find_profile", "load_profile"]
