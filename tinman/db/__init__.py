"""The database: tables, engine, migrations, durable blocks of budget."""
