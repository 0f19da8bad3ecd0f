package alert

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// sample is an alert that shows what one of its kind looks like.
type sample struct {
	kind, title, description, level, tag, technique string
	resource                                        string // below the subscription
	entities                                        []Entity
}

const sampleGroup = "/resourceGroups/sample-rg/providers/"

// samples are the sample alerts by bundle, as the ARM alerts API names bundles.
var samples = map[string]sample{
	"virtualmachines": {"VM_SuspectBruteForce", "Sign-ins failed many times, then one succeeded", "Many passwords were tried for one account from one address, and one of them was right.",
		"high", "credential-access", "t1110", sampleGroup + "Microsoft.Compute/virtualMachines/sample-vm", []Entity{{Kind: "account", Name: "sample-user"}, {Kind: "ip", Name: "203.0.113.7"}}},
	"appservices": {"AppServices_WebShell", "A web shell was requested", "A file that runs commands was requested in a web app that should not have one.",
		"high", "persistence", "t1505.003", sampleGroup + "Microsoft.Web/sites/sample-app", []Entity{{Kind: "ip", Name: "203.0.113.8"}, {Kind: "url", Name: "https://sample-app.example/shell.php"}}},
	"sqlservers": {"SQL.DB_BruteForce", "Sign-ins to a database failed many times", "Many sign-ins with different passwords came from one address in a short time.",
		"medium", "credential-access", "t1110", sampleGroup + "Microsoft.Sql/servers/sample-sql", []Entity{{Kind: "ip", Name: "203.0.113.9"}, {Kind: "account", Name: "sa"}}},
	"storageaccounts": {"Storage.Blob_AnonymousAccessAnomaly", "Blobs were read by somebody unknown", "A container that was private is read without signing in.",
		"medium", "collection", "t1530", sampleGroup + "Microsoft.Storage/storageAccounts/samplestorage", []Entity{{Kind: "ip", Name: "203.0.113.10"}}},
	"keyvaults": {"KV_OperationVolumeAnomaly", "Far more secrets were read than usual", "An application read many secrets of a vault within minutes.",
		"medium", "credential-access", "t1555", sampleGroup + "Microsoft.KeyVault/vaults/sample-vault", []Entity{{Kind: "cloud-application", Name: "sample-application"}}},
	"kubernetesservice": {"K8S_PrivilegedContainer", "A privileged container was started", "A pod that may do anything on its node was created.",
		"medium", "privilege-escalation", "t1611", sampleGroup + "Microsoft.ContainerService/managedClusters/sample-cluster", []Entity{{Kind: "account", Name: "sample-user"}, {Kind: "k8s-pod", Name: "sample-pod"}}},
	"resourcemanager": {"ARM_AnomalousOperation.CredentialAccess", "Keys were listed by somebody who never did", "An account that had never listed keys listed those of many accounts.",
		"medium", "credential-access", "t1552", sampleGroup + "Microsoft.Storage/storageAccounts/samplestorage", []Entity{{Kind: "account", Name: "sample-user@example.org"}, {Kind: "ip", Name: "203.0.113.11"}}},
	"dns": {"DNS_MiningPool", "A name of a mining pool was looked up", "A machine looked up the address of a pool for mining coins.",
		"low", "impact", "t1496", sampleGroup + "Microsoft.Compute/virtualMachines/sample-vm", []Entity{{Kind: "host", Name: "sample-vm"}, {Kind: "dns", Name: "pool.example"}}},
}

// Samples makes findings of the bundles that are named, at a time. They are marked
// as samples and join no incident of real alerts.
func Samples(tenant, subscription string, bundles []string, at time.Time) ([]Finding, error) {
	var findings []Finding
	for _, b := range bundles {
		s, ok := samples[strings.ToLower(b)]
		if !ok {
			var names []string
			for n := range samples {
				names = append(names, n)
			}
			sort.Strings(names)
			return nil, fmt.Errorf("there is no bundle %.40q; there are %s", b, strings.Join(names, ", "))
		}
		findings = append(findings, Finding{Tenant: tenant, Subscription: subscription, Resource: "/subscriptions/" + subscription + s.resource,
			Rule: Rule{ID: "sample-" + strings.ToLower(b), Title: s.title, Level: s.level, Tags: []string{"attack." + s.tag, "attack." + s.technique}},
			Type: s.kind, Title: "Sample alert: " + s.title, Description: s.description, NextSteps: []string{"This is a sample. Nothing needs to be done."},
			Entities: s.entities, Completing: at.UTC().Format(time.RFC3339Nano), First: at, Last: at, Sample: true})
	}
	return findings, nil
}
