package apitoken

// Parse is for the fuzz target.
var Parse = parse
