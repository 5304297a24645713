import { python } from '../../support/run.ts';

/** A template of CloudFormation, whose functions are objects: {"Ref": ...}. */
export interface Template {
  Parameters: Record<
    string,
    { Default?: string | number; AllowedPattern?: string; MaxLength?: number; MaxValue?: number }
  >;
  Metadata?: { 'AWS::CloudFormation::Interface': { ParameterGroups: Array<{ Parameters: string[] }> } };
  Resources: Record<
    string,
    {
      Type: string;
      Condition?: string;
      DeletionPolicy?: string;
      Metadata?: Record<string, unknown>;
      Properties: Record<string, unknown>;
    }
  >;
}

/** A statement of an IAM policy. */
export interface Statement {
  Sid: string;
  Action: string | string[];
  Resource: unknown;
}

const DECODE = `
import json, sys
from cfnlint.decode import decode
print(json.dumps(decode(sys.argv[1])[0]))`;

/** Reads a template as JSON, by cfn-lint. */
export function readTemplate(path: string): Promise<Template> {
  return python<Template>(DECODE, path);
}

export const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Lists the statements of a template's managed policies, with the roles that have them. */
export function statementsIn(template: Template): Array<Statement & { roles: string[] }> {
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy')
    .flatMap(({ Properties }) => {
      const { Roles = [], PolicyDocument } = Properties as {
        Roles?: Array<{ Ref: string }>;
        PolicyDocument: { Statement: Statement[] };
      };
      return PolicyDocument.Statement.map((statement) => ({ ...statement, roles: Roles.map(({ Ref }) => Ref) }));
    });
}
