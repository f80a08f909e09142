"""Commands for a team. The import makes Ctrl-C print no traceback, as in the stages."""

import stages as stages
