// Package windows knows the Windows event log as Sigma rules see it: which log
// sources a channel and event id belong to, the names of fields, and the JSON
// shapes in which events travel.
//
// A decoder of Windows events, in whatever form, makes a [Taxonomy] for its
// schema, gives the record its fields (event data under their own names without
// spaces, System elements joined by an underscore: Provider_Name,
// Execution_ProcessID), and then calls [Taxonomy.Complete].
//
// The tables follow the public taxonomy and log source guides of Sigma: service
// by channel, category by Sysmon event id or by the event that shows the same.
//
// It must never import a package other than event and its JSON reader.
package windows
