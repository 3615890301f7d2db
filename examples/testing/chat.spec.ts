import { expect, test } from '@playwright/test';

test('the page shows what it hears', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('textbox').fill('hello');
  await page.getByRole('button').click();
  await expect(page.getByRole('listitem')).toHaveText('hello');
});
