from kubectl_modelrollout.main import main

raise SystemExit(main())
