// Package assess judges a file of resources without a server: what `rampart
// assess` does, with the server's own evaluator, index and score.
//
// It must never import a face (api, web) or app.
package assess
