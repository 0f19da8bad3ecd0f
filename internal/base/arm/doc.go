// Package arm is the ground vocabulary of Azure Resource Manager: resource
// ids, scopes, the error body and list envelope that every face speaks.
//
// It must never import another package of this module.
package arm
