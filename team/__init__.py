"""Commands of a team. The import makes a Ctrl-C quiet, as in the stages."""

import stages as stages
