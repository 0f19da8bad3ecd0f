// Package judge judges the estate: it follows the feed of documents and policy
// objects, evaluates the assigned policies, rolls their verdicts up into statuses,
// and writes rows, changes and scores to the store before it shows the next view.
// An Estate is one tenant: View answers questions of the present, History of the
// past, Try what would be.
//
// It must never import a face (api, web), app, or planning, which stands on it.
package judge
