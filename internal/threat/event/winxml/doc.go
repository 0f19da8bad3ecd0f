// Package winxml turns the XML of Windows events into the fields that rules
// read, whoever parsed the XML: [Fields] takes elements, attributes and text one
// after the other, from the binary form of EVTX files or from rendered text.
// [Parse] reads rendered text and [New] makes a decoder of files of it.
//
// Names are those that the JSON shapes of the same event lead to: elements of
// System under their own name, their attributes joined by an underscore
// (Provider_Name), event data under the value of Name without spaces, user data
// under the names of the elements below its one wrapper, joined by points.
//
// It must never import a package above the event area.
package winxml
