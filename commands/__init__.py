"""What `make` calls. The only code that knows both the product and the local cloud."""

import sys
from pathlib import Path

# As in Airflow, the product is importable because its folder is on the path; nothing installs it.
sys.path.append(str(Path(__file__).resolve().parent.parent / "plugins"))
