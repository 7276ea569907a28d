"""The console for messages and progress bars: stderr, with text printed literally."""

from rich.console import Console

CONSOLE = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
