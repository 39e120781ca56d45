-- Fills the new book :book with :transactions transactions of one posting each between 10,000
-- accounts, as the ledger would have kept them, in partitions of its own named after :label. As the
-- migration role, on a book that has nothing yet.
SET work_mem = '256MB';
SET maintenance_work_mem = '256MB';
INSERT INTO books (book) VALUES (:'book');
CALL move_book(:'book', :'label');

CREATE TEMPORARY TABLE owners AS
  SELECT i, (substr(md5(:'book' || ' account ' || i), 1, 12) || '7'
    || substr(md5(:'book' || i), 1, 3) || '8' || substr(md5(:'book' || i), 4, 15))::uuid AS id
  FROM generate_series(0, 9999) AS i;
CREATE TEMPORARY TABLE moves AS
  SELECT t AS number, 10000 + t AS sequence,
    (t * 7919) % 10000 AS debit, (t * 7919 + 1 + t % 9973) % 10000 AS credit
  FROM generate_series(1, :transactions::bigint) AS t;
CREATE UNIQUE INDEX ON owners (i);
ANALYZE owners, moves;

INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, subject_id,
    debit_account_ids, credit_account_ids, amounts_minor, metadata, request)
  SELECT :'book', i + 1, (substr(md5(:'book' || ' opening ' || i), 1, 12) || '8'
      || substr(md5(:'book' || i), 1, 3) || '8' || substr(md5(:'book' || i), 4, 15))::uuid,
    'open_account', at_micros(1700000000000000 + i), id, '{}', '{}', '{}', '{}',
    '{"currency": "EUR", "normal_side": "credit"}'
  FROM owners ORDER BY i;
INSERT INTO journal (book, sequence, transaction_id, kind, committed_at, debit_account_ids,
    credit_account_ids, amounts_minor, metadata)
  SELECT :'book', m.sequence, ('018bcfe5-6800-7000-8000-' || lpad(to_hex(m.number), 12, '0'))::uuid,
    'post', at_micros(1700000000000000 + m.sequence), ARRAY[d.id], ARRAY[c.id], '{1}', '{}'
  FROM moves AS m JOIN owners AS d ON d.i = m.debit JOIN owners AS c ON c.i = m.credit
  ORDER BY m.sequence;
INSERT INTO entries (book, account_id, sequence, version, debit_minor, credit_minor,
    debits_posted_after, credits_posted_after)
  SELECT :'book', o.id, e.sequence, row_number() OVER account, e.debit, e.credit,
    sum(e.debit) OVER account, sum(e.credit) OVER account
  FROM (SELECT debit AS i, sequence, 1 AS debit, 0 AS credit FROM moves
        UNION ALL SELECT credit, sequence, 0, 1 FROM moves) AS e
  JOIN owners AS o ON o.i = e.i
  WINDOW account AS (PARTITION BY o.id ORDER BY e.sequence);
INSERT INTO accounts (book, account_id, currency, normal_side, debits_must_not_exceed_credits,
    credits_must_not_exceed_debits, credit_line_minor)
  SELECT :'book', id, 'EUR', 'credit', false, false, 0 FROM owners;
UPDATE books SET last_sequence = 10000 + :transactions,
  last_committed_at = at_micros(1700000000000000 + 10000 + :transactions) WHERE book = :'book';
SELECT format('ANALYZE %I, %I, %I', 'accounts_' || :'label', 'journal_' || :'label',
  'entries_' || :'label') \gexec
