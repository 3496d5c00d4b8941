"""Named kinds of load: the files beside this one, and files of users' own. docs/load.md describes the format."""

from loadgen.profiles.model import Profile
from loadgen.profiles.parse import bundled_names, find_profile, load_profile

__all__ = ["Profile", "bundled_names", "find_profile", "load_profile"]
