// Package cef decodes the Common Event Format, one event a line, with or without
// a syslog header in front.
//
// The fields of the header are deviceVendor, deviceProduct, deviceVersion,
// deviceEventClassId, name and severity; those of the extension keep their keys.
// Custom fields (cs1 and cs1Label) are also under their label without spaces.
//
// It must never import a package above the event area.
package cef
