package client

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// systemBundles are where systems keep their certificate authorities.
var systemBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// AzEnv writes shell lines that make the az CLI use this server: a config
// folder of its own, so that the user's real clouds stay apart, and a file of
// the system's certificate authorities with the server's added, because the CLI
// replaces the system's store by what REQUESTS_CA_BUNDLE names.
func (b Bootstrap) AzEnv(w io.Writer, data string) error {
	dir, err := filepath.Abs(filepath.Join(data, "az"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the CLI's config folder: %w", err)
	}
	bundle := filepath.Join(dir, "ca.pem")
	if err := writeBundle(bundle, b.CA); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `export AZURE_CONFIG_DIR=%[1]s
export REQUESTS_CA_BUNDLE=%[2]s
export AZURE_CORE_COLLECT_TELEMETRY=false
export RAMPART_CLIENT_SECRET=%[3]s
az cloud register -n rampart --endpoint-resource-manager %[4]s --endpoint-active-directory %[4]s/adfs --endpoint-active-directory-resource-id %[4]s --endpoint-active-directory-graph-resource-id %[4]s 2>/dev/null || az cloud update -n rampart --endpoint-resource-manager %[4]s --endpoint-active-directory %[4]s/adfs
az cloud set -n rampart
az login --service-principal -u %[5]s -p "$RAMPART_CLIENT_SECRET" --tenant %[6]s --output none
`, quote(dir), quote(bundle), quote(b.ClientSecret), quote(strings.TrimSuffix(b.URL, "/")), quote(b.ClientID), quote(b.TenantID))
	return err
}

func writeBundle(file, ca string) error {
	own, err := os.ReadFile(ca)
	if err != nil {
		return fmt.Errorf("read the server's certificate authority: %w", err)
	}
	var all []byte
	for _, bundle := range systemBundles {
		if system, err := os.ReadFile(bundle); err == nil {
			all = append(system, '\n')
			break
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read the system's certificate authorities: %w", err)
		}
	}
	return os.WriteFile(file, append(all, own...), 0o600)
}

// quote makes one shell word of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
