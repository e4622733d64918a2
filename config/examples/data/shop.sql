-- shop.db was made of this: sqlite3 shop.db < shop.sql
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    price DECIMAL(10,2) NOT NULL,
    weight_kg REAL,
    organic BOOLEAN NOT NULL,
    added_on DATE NOT NULL,
    attributes JSON
);
INSERT INTO products VALUES
    (1, 'TEA-01', 'Darjeeling, first flush', 4.50, 0.1, 1, '2023-04-12', '{"origin": "India", "leaf": "FTGFOP1"}'),
    (2, 'TEA-03', 'Sencha', 5.10, 0.1, 1, '2023-05-30', '{"origin": "Japan"}'),
    (3, 'CUP-07', 'Cup "Morning"', 12.00, 0.35, 0, '2022-11-02', NULL),
    (4, 'POT-02', 'Teapot, 1 l', 39.90, 1.2, 0, '2022-11-02', '{"colours": ["white", "blue"]}'),
    (5, 'GFT-01', 'Voucher', 25.00, NULL, 0, '2024-01-15', NULL);
