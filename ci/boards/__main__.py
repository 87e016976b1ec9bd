"""`python -m ci.boards`: writes Grafana's dashboards into the chart."""

from ci.boards.catalog import BOARDS, FOLDER, path, text


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        path(board).write_text(text(board))


if __name__ == "__main__":
    main()
