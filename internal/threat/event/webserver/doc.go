// Package webserver decodes access and error logs of web servers, told apart line
// by line: the common and the combined format of Apache and nginx (with a virtual
// host in front, with further fields behind), the error logs of both, and W3C
// extended logs (IIS), whose #Fields lines name what follows.
//
// Fields are those of Sigma's webserver and proxy taxonomy: c-ip, cs-username,
// cs-method, cs-uri-stem, cs-uri-query, c-uri, cs-uri, c-uri-query, c-uri-extension,
// cs-version, sc-status, sc-bytes, cs-referer, cs-user-agent, c-useragent, cs-host; W3C logs
// keep their further names. The public rules look for paths in cs-uri-query too, so
// it has the whole request target, and the part behind "?" as a second value. W3C logs
// write spaces as "+"; user agents, referers and cookies get them back.
//
// Escapes stay as they are logged: rules name both forms.
//
// It must never import a package above the event area.
package webserver
