from tests.dags.airflow_home import settle

settle()
