/** A thin library beside nationalsite's stubs: channels, errors, retries, pages, messages, money. */
package nationalsite.client;
