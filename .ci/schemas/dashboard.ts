// SPDX-License-Identifier: Apache-2.0
// Grafana's type of a dashboard, as a JSON file has it: enumerations are written by their values,
// fields that only Grafana's own code needs may be missing, and the data source adds its own.
import type { AnnotationQuery, Dashboard as Grafana, VariableModel } from "@grafana/schema";

type Json<T> = T extends string ? `${T}`
  : T extends (infer Element)[] ? Json<Element>[]
  : T extends object ? { [Field in keyof T]?: Json<T[Field]> }
  : T;

// What the data source for Prometheus reads of an annotation.
interface PrometheusAnnotation {
  expr?: string;
  step?: string;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

export interface Dashboard extends Omit<Json<Grafana>, "annotations" | "templating"> {
  annotations: { list: (Json<AnnotationQuery> & PrometheusAnnotation)[] };
  templating: { list: (Json<VariableModel> & { definition?: string })[] };
}
