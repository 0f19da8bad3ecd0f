// Package cloud reads the audit logs of clouds and of Kubernetes: CloudTrail,
// Azure activity, sign-in, directory audit and resource logs, Google Cloud audit
// logs, Kubernetes audit events. Each is a layout of its JSON, a log source, and
// the names that public Sigma rules use for fields that the log names otherwise.
//
// It must never import a package other than event and its JSON reader.
package cloud
