"""The staff's home page: `facts` reads, the others put facts into words. No word runs a query."""
