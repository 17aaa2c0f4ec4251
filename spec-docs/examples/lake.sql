-- page: which dumps hold a page, by its hash, and where
SELECT d.source, h.address
FROM 'lake/page_hashes/*.parquet' h JOIN 'lake/dumps/*.parquet' d USING (dump_uuid)
WHERE h.blake3 = ?
ORDER BY ALL;

-- shared_pages: pages that stand in more than one dump, those in most dumps first
SELECT blake3, count(DISTINCT dump_uuid) AS dumps, count(*) AS places
FROM 'lake/page_hashes/*.parquet'
GROUP BY blake3 HAVING dumps > 1
ORDER BY dumps DESC, blake3;

-- executable: memory of a program that can be written and executed
SELECT d.source, r.base_addr, r.region_size
FROM 'lake/regions/*.parquet' r JOIN 'lake/dumps/*.parquet' d USING (dump_uuid)
WHERE d.exe_path LIKE ? AND list_has_all(r.protection, ['write', 'execute'])
ORDER BY ALL;

-- module: which dumps hold a module, by its path
SELECT d.source, m.base_addr, m.disk_hash
FROM 'lake/modules/*.parquet' m JOIN 'lake/dumps/*.parquet' d USING (dump_uuid)
WHERE m.path LIKE ?
ORDER BY ALL;

-- versions: modules by the hash of their file, in how many dumps; zeros: nobody knows it
SELECT disk_hash, any_value(path) AS path, count(DISTINCT dump_uuid) AS dumps
FROM 'lake/modules/*.parquet'
GROUP BY disk_hash
ORDER BY ALL;

-- captured: how much of each dump was captured, and how much was not, by state
SELECT d.source, p.state, sum(p.size) AS bytes
FROM 'lake/page_runs/*.parquet' p JOIN 'lake/dumps/*.parquet' d USING (dump_uuid)
GROUP BY ALL
ORDER BY ALL;
