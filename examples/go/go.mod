module nationalsite.internal/examples

go 1.26.0

replace (
	nationalsite.internal/client => ../../clients/go
	nationalsite.internal/go => ../../gen/go
)

require (
	github.com/ncruces/go-sqlite3 v0.37.0
	google.golang.org/protobuf v1.36.12
	nationalsite.internal/client v0.2.0
	nationalsite.internal/go v0.2.0
)

require (
	buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go v1.36.12-20260825204119-511051f7f437.2 // indirect
	github.com/ncruces/go-sqlite3-wasm/v6 v6.5.35401 // indirect
	github.com/ncruces/julianday v1.0.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto v0.0.0-20261026165753-2ffab32bce7e // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261019180522-ce908d29299b // indirect
	google.golang.org/grpc v1.85.0 // indirect
)
