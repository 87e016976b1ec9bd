"""`python -m ci.chart`: writes what is generated for the chart into its files."""

import json

from ci.chart import rollout_schema, values_table

SCHEMA = values_table.CHART / "values.schema.json"


def main() -> None:
    schema = json.loads(SCHEMA.read_text())
    schema["properties"]["rollout"] = rollout_schema.build()
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n")
    values_table.README.write_text(values_table.with_table(values_table.README.read_text()))


if __name__ == "__main__":
    main()
