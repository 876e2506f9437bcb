"""The product: clickstream paths set up, run and proven. Everything but `airflow/` works without Airflow."""
