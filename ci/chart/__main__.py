"""`python -m ci.chart`: writes the generated parts of the chart's schema, its README and docs/modelrollout.md."""

import json

from ci.chart import crd_reference, rollout_schema, values_table

SCHEMA = values_table.CHART / "values.schema.json"


def main() -> None:
    schema = json.loads(SCHEMA.read_text())
    schema["properties"]["rollout"] = rollout_schema.build()
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n")
    for generated, content in (
        (values_table.README, values_table.build()),
        (crd_reference.PAGE, crd_reference.build()),
    ):
        generated.page.write_text(generated.updated(content))


if __name__ == "__main__":
    main()
