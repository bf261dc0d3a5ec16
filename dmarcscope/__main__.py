"""The entry point of the command line."""

import sys


def main() -> None:
    """Run the command line; asking for the version alone loads nothing else."""
    from dmarcscope import __version__

    if sys.argv[1:] == ["--version"]:
        print(f"dmarcscope {__version__}")
        return
    from dmarcscope.cli.app import run

    sys.exit(run())


if __name__ == "__main__":
    main()
