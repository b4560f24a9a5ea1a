module podworthy/load

go 1.26.0
