// Reads dashboards as strictly as Grafana's published schema says: no unknown field, no missing one, no other type.
// Prints what is wrong with each file, options of panels and queries included.
//
//	dashcheck patients.json release.json ...
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			failed = true
			fmt.Printf("%s: %v\n", path, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}

func check(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var strict, board dashboard.Dashboard
	// What it returns is never nil; without an error it has no text.
	if err := strict.UnmarshalJSONStrict(raw); err != nil && err.Error() != "" {
		return err
	}
	// The strict reader leaves out panels, so that what it read cannot be validated.
	if err := json.Unmarshal(raw, &board); err != nil {
		return err
	}
	return errors.Join(checkFieldConfigs(raw), board.Validate())
}

// checkFieldConfigs reads what the strict reader leaves to a tolerant one.
func checkFieldConfigs(raw []byte) error {
	var board struct {
		Panels []struct{ FieldConfig json.RawMessage }
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		return err
	}
	for index, panel := range board.Panels {
		var config dashboard.FieldConfigSource
		if err := config.UnmarshalJSONStrict(panel.FieldConfig); err != nil && err.Error() != "" {
			return fmt.Errorf("panels[%d].fieldConfig: %w", index, err)
		}
	}
	return nil
}
