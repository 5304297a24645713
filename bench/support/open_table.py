"""Opens a table with the Python client, counts its rows, finds one id by a filter, and searches once.

open_table.py DATABASE TABLE DIMENSION
"""

import sys

import lancedb

database, name, dimension = sys.argv[1], sys.argv[2], int(sys.argv[3])
table = lancedb.connect(database).open_table(name)
rows = table.count_rows()
first = table.search().select(["id"]).limit(1).to_list()[0]["id"]
found = table.search().where(f"id = '{first}'").select(["id"]).to_list()
nearest = table.search([1.0] * dimension).metric("cosine").nprobes(20).select(["id", "_distance"]).limit(10).to_list()
print(f'{{"rows": {rows}, "found": {len(found)}, "nearest": {len(nearest)}}}')
