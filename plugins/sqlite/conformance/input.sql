-- `sqlite3 shop.db < input.sql` makes what the example of the source reads.
CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(12,2), day DATE, paid BOOLEAN, raw BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO orders SELECT i, iif(i % 4, 'order ' || i, NULL), i * 1.25, date('2024-01-01', i || ' days'), i % 2, zeroblob(i % 5) FROM n;
DELETE FROM orders WHERE id % 11 = 0;
