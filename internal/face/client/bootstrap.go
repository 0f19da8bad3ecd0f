package client

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// BootstrapFile is the name of the file below the data folder that tells
// scripts how to reach this server.
const BootstrapFile = "bootstrap.json"

// Bootstrap is DATA/bootstrap.json, mode 0600.
type Bootstrap struct {
	URL            string `json:"url"`
	CA             string `json:"ca"` // path of the certificate authority's PEM file; absolute in the file
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`
	AdminURL       string `json:"adminUrl"` // one-time sign-in link
}

// ReadBootstrap reads the bootstrap file of a data folder.
func ReadBootstrap(data string) (Bootstrap, error) {
	var b Bootstrap
	raw, err := os.ReadFile(filepath.Join(data, BootstrapFile))
	if err != nil {
		return b, fmt.Errorf("%w: start the server first, or name its data folder with --data", err)
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, fmt.Errorf("%s: %w", BootstrapFile, err)
	}
	return b, nil
}

// Write replaces the file in one step, readable by its owner alone.
func (b Bootstrap) Write(data string) error {
	var err error
	if b.CA, err = filepath.Abs(b.CA); err != nil { // readers may be elsewhere
		return fmt.Errorf("write %s: %w", BootstrapFile, err)
	}
	raw, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", BootstrapFile, err)
	}
	tmp, err := os.CreateTemp(data, BootstrapFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", BootstrapFile, err)
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(append(raw, '\n')); err != nil {
		tmp.Close()
		return fmt.Errorf("write %s: %w", BootstrapFile, err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("write %s: %w", BootstrapFile, err)
	}
	return os.Rename(tmp.Name(), filepath.Join(data, BootstrapFile))
}
