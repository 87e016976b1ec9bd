"""`python -m ci.boards`: writes Grafana's dashboards and the rules for the promise into the chart."""

from ci.boards.catalog import BOARDS, FOLDER, PROMISES, path, promises_text, text


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        path(board).write_text(text(board))
    PROMISES.write_text(promises_text())


if __name__ == "__main__":
    main()
