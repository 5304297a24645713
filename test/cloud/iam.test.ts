import { expect, test } from 'vitest';
import { parseDenied } from '../../workers/src/cloud/iam.ts';

const member = (action: string, decision: string) => `
      <member>
        <EvalActionName>${action}</EvalActionName>
        <EvalResourceName>arn:aws:s3:::bucket</EvalResourceName>
        <ResourceSpecificResults><member>
          <EvalResourceName>arn:aws:s3:::bucket</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision>
        </member></ResourceSpecificResults>
        <MatchedStatements><member><SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>
        <MissingContextValues/>
        <EvalDecision>${decision}</EvalDecision>
      </member>`;

test('parseDenied reads the denied actions from an answer of IAM', () => {
  const xml = `<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults>
    ${member('s3:GetObject', 'allowed')}${member('s3:PutObject', 'implicitDeny')}${member('s3:DeleteObject', 'explicitDeny')}
  </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`;
  expect(parseDenied(xml)).toEqual(['s3:PutObject', 's3:DeleteObject']);
});
