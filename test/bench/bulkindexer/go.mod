// The official client of OpenSearch, to measure Gusty's shipping against. It is a module of its own, so that nothing of it is a dependency of Gusty's.
module gusty/test/bench/bulkindexer

go 1.26.0

require github.com/opensearch-project/opensearch-go/v4 v4.6.0
