// Package template reads infrastructure as code (Terraform plans as JSON, ARM
// templates) into the resource documents that the policies judge. What cannot
// be known before deployment is declared unavailable in the document, so that a
// verdict that depends on it is unknown and never a pass.
//
// It must never import a face, a store or the inventory: it turns bytes into
// documents and touches nothing else.
package template
