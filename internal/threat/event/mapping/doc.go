// Package mapping reads JSON records of a source that Rampart does not know, as a
// file says: which log source they are, where their time is, and the names that
// rules use for their fields.
//
//	logsource:
//	  product: okta
//	  service: okta
//	time: published                  # the path of the time
//	fields:
//	  actor.alternateId: User        # the path of a value, and its name in rules
//	  client.ipAddress: src_ip
//
// The time is @timestamp if the file does not say where. Fields that the file does not name keep their own paths as names. A file that
// names a path twice, an empty name, or no log source is refused.
//
// It must never import a package above the event area.
package mapping
