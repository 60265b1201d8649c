//! The application whose life the demo shows: a shop of three objects. Its Deployment has no replicas, since a control plane alone has no
//! nodes; everything else about it is real.

/// The shop's web server.
pub fn web(version: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 0
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: registry.example.test/shop/web:{version}
        ports:
        - name: http
          containerPort: 8080
        envFrom:
        - configMapRef:
            name: settings
"
    )
}

/// How it is reached.
pub const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
  - name: http
    port: 80
    targetPort: http
";

/// What it says.
pub fn settings(greeting: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  greeting: {greeting}\n")
}

/// Which files make the shop.
pub const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- web.yaml
- service.yaml
- settings.yaml
labels:
- pairs:
    app.kubernetes.io/part-of: shop
";
