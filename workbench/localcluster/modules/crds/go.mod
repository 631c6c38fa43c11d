module llmplatform.test/crds

go 1.21

// Only the files of its config/crds/bases are used; nothing of it is built.
require github.com/external-secrets/external-secrets v1.3.2
