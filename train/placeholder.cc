// Placeholder until the folder's first source; deleted by it.
