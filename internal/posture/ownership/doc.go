// Package ownership is where people say who fixes what by when: they assign
// tasks, promise a date, write rules and delete them, each write checked against
// their roles and audited. It also finds what is assigned to one assessment.
//
// Who has a task follows from what is written here (package governance says
// how) and is kept by posture. It must never import a face or app.
package ownership
